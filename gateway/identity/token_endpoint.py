"""`POST /oauth/token`: client credentials for an access token (RFC 6749 section 4.4)."""

import base64
import binascii
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, unquote_plus

import orjson
from starlette.responses import Response

from gateway.identity import access_tokens, scopes
from gateway.identity.directory import Directory
from gateway.identity.faults import TooManyRequests
from gateway.identity.rate_limits import Gcra, Limit
from gateway.identity.secrets import SecretKeeper
from gateway.identity.signing import KeyRing
from gateway.settings import GatewaySettings
from shared.httpserver.asgi import Headers
from shared.httpserver.headers import find

LONGEST_BODY = 16 * 1024
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


class TokenEndpoint:
    """Issues access tokens; wrong secrets are counted per client and address."""

    def __init__(
        self,
        directory: Directory,
        keys: KeyRing,
        keeper: SecretKeeper,
        known_scopes: Callable[[], frozenset[str]],
        settings: GatewaySettings,
    ) -> None:
        """`known_scopes` are those that any operation needs."""
        self._known_scopes = known_scopes
        self._directory = directory
        self._keys = keys
        self._keeper = keeper
        self._seconds = settings.access_token_seconds
        self._failures = Gcra()
        self._client_limit = Limit.per(settings.client_failures_per_minute, 60.0, "client-failures")
        self._address_limit = Limit.per(settings.address_failures_per_minute, 60.0, "address-failures")

    async def answer(self, headers: Headers, body: bytes, address: str) -> Response:
        """One request for a token."""
        try:
            claim = _claim(headers, body)
            self._require_patience(address, claim)
            return await self._issued(claim, address)
        except OAuthError as refusal:
            return refusal.response()

    def _counters(self, address: str, claim: _Claim) -> tuple[tuple[str, Limit], tuple[str, Limit]]:
        return (f"{address}|{claim.client_id}", self._client_limit), (address, self._address_limit)

    def _require_patience(self, address: str, claim: _Claim) -> None:
        """Refuse who has guessed too often, before a slow comparison is made for him."""
        for key, limit in self._counters(address, claim):
            seen = self._failures.check(key, limit, time.monotonic(), cost=0)
            if seen.remaining == 0:
                raise TooManyRequests("Too many wrong secrets.", retry_after=int(seen.reset_after) + 1)

    async def _issued(self, claim: _Claim, address: str) -> Response:
        client = await self._directory.client(claim.client_id)
        stored = client["secret_hash"] if client is not None else None
        if not await self._proven(stored, claim) or client is None:
            for key, limit in self._counters(address, claim):
                self._failures.check(key, limit, time.monotonic())
            raise OAuthError(
                "invalid_client", "Unknown client or wrong secret.", status=401, basic=claim.basic
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
            kind=await self._directory.tenant_kind(client["tenant_id"]),
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

    async def _proven(self, stored: str | None, claim: _Claim) -> bool:
        """Compare the secret; in Basic it should be form-encoded, but most programs send it as it is."""
        if await self._keeper.matches(stored, claim.secret):
            return True
        decoded = unquote_plus(claim.secret)
        return claim.basic and decoded != claim.secret and await self._keeper.matches(stored, decoded)


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
    if "\0" in client_id:
        raise OAuthError("invalid_client", "Unknown client or wrong secret.", status=401)
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
