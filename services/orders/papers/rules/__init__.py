"""What a pick list and a delivery note say, and how they look; drawn in a process beside ours."""

from services.orders.papers.rules.content import Goods, GoodsPaper, Kind, NoGoods, Place, require_goods
from services.orders.papers.rules.drawing import draw_goods_paper

__all__ = ["Goods", "GoodsPaper", "Kind", "NoGoods", "Place", "draw_goods_paper", "require_goods"]
