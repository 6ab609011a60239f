"""What happens to promises when stock comes, is freed or is found missing."""

from services.orders.promises.actions.adjusting import adjust_stock
from services.orders.promises.actions.sharing import Shared, share_out, share_out_later

__all__ = ["Shared", "adjust_stock", "share_out", "share_out_later"]
