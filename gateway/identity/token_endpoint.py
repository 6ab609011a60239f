"""`POST /oauth/token`: client credentials for an access token (RFC 6749 section 4.4)."""

import base64
import binascii
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, unquote_plus

import asyncpg
import orjson
from starlette.responses import Response

from gateway.identity import access_tokens, scopes
from gateway.identity.directory import kind_of
from gateway.identity.faults import TooManyRequests
from gateway.identity.rate_limits import Gcra, Limit
from gateway.identity.sign_in import SignIns
from gateway.identity.signing import KeyRing
from gateway.settings import GatewaySettings
from shared.httpserver.asgi import Headers
from shared.httpserver.headers import find

LONGEST_BODY = 16 * 1024
TOKENS = Limit.per(600, 60.0, "tokens")  # of one client; each lives for minutes
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}


class OAuthError(Exception):
    """A refusal in the words of RFC 6749 section 5.2."""

    def __init__(self, error: str, description: str, *, status: int = 400, basic: bool = False) -> None:
        """`basic`: the client tried Basic, so the answer must name that scheme."""
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status
        self.basic = basic

    def response(self) -> Response:
        """The refusal as an answer."""
        headers = dict(NO_STORE)
        if self.basic or self.status == 401:
            headers["www-authenticate"] = 'Basic realm="backoffice"'
        body = orjson.dumps({"error": self.error, "error_description": self.description})
        return Response(body, self.status, headers, "application/json")


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a client says of itself, and what it asks for."""

    client_id: str
    secret: str
    basic: bool
    scope: str | None

    @property
    def secrets(self) -> list[str]:
        """The secret; in Basic it should be form-encoded, but most programs send it as it is."""
        decoded = unquote_plus(self.secret) if self.basic else self.secret
        return [self.secret] if decoded == self.secret else [self.secret, decoded]


class TokenEndpoint:
    """Issues access tokens to clients that prove who they are."""

    def __init__(
        self,
        sign_ins: SignIns,
        keys: KeyRing,
        known_scopes: Callable[[], frozenset[str]],
        settings: GatewaySettings,
    ) -> None:
        """`known_scopes` are those that any operation needs."""
        self._sign_ins = sign_ins
        self._keys = keys
        self._known_scopes = known_scopes
        self._seconds = settings.access_token_seconds
        self._issued = Gcra()

    async def answer(self, headers: Headers, body: bytes, address: str) -> Response:
        """One request for a token."""
        try:
            claim = _claim(headers, body)
            client = await self._sign_ins.proven(claim.client_id, claim.secrets, address)
            if client is None:
                raise OAuthError(
                    "invalid_client", "Unknown client or wrong secret.", status=401, basic=claim.basic
                )
            return self._token(claim, client)
        except OAuthError as refusal:
            return refusal.response()

    def _token(self, claim: _Claim, client: asyncpg.Record) -> Response:
        counted = self._issued.check(claim.client_id, TOKENS, time.monotonic())
        if not counted.allowed:
            raise TooManyRequests(
                "This client has fetched many tokens; use each for as long as it lives.",
                limit=TOKENS.name,
                seconds=counted.retry_after,
            )
        known = self._known_scopes()
        held = scopes.expanded(client["scopes"], known)
        granted = held if claim.scope is None else scopes.narrowed(claim.scope.split(), held, known)
        if not granted:
            raise OAuthError("invalid_scope", "The client does not hold all of these scopes.")
        token = access_tokens.issue(
            self._keys.access,
            client_id=claim.client_id,
            tenant_id=client["tenant_id"],
            kind=kind_of(client),
            scopes=granted,
            seconds=self._seconds,
        )
        answer = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": self._seconds,
            "scope": " ".join(sorted(granted)),
        }
        return Response(orjson.dumps(answer), 200, NO_STORE, "application/json")


def _claim(headers: Headers, body: bytes) -> _Claim:
    form = _form(headers, body)
    authorization = find(headers, b"authorization")
    if authorization is not None:
        if "client_secret" in form:
            raise OAuthError("invalid_request", "Authenticate by Basic or in the body, not both.")
        client_id, secret = _basic(authorization)
        if form.get("client_id", client_id) != client_id:
            raise OAuthError("invalid_request", "Two different client ids.")
    else:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    grant_type = form.get("grant_type")
    if not grant_type:
        raise OAuthError("invalid_request", "grant_type is missing.")
    if grant_type != "client_credentials":
        raise OAuthError("unsupported_grant_type", "Only client_credentials is issued here.")
    if not client_id or not secret:
        raise OAuthError("invalid_client", "Client id or secret is missing.", status=401)
    return _Claim(client_id, secret, authorization is not None, form.get("scope") or None)


def _form(headers: Headers, body: bytes) -> dict[str, str]:
    media_type = (find(headers, b"content-type") or b"").split(b";")[0].strip().lower()
    if media_type != b"application/x-www-form-urlencoded":
        raise OAuthError("invalid_request", "Send the parameters as application/x-www-form-urlencoded.")
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=20
        )
    except ValueError as error:
        raise OAuthError("invalid_request", "The body is not a form.") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise OAuthError("invalid_request", "A parameter is given twice.")
    return form


def _basic(authorization: bytes) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(b" ")
    try:
        if scheme.lower() != b"basic":
            raise ValueError
        client_id, colon, secret = (
            base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        )
        if not colon:
            raise ValueError
    except (ValueError, binascii.Error) as error:
        raise OAuthError("invalid_client", "Not a Basic authorization.", status=401, basic=True) from error
    return unquote(client_id), secret
