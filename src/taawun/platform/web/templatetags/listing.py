"""``{% listing %}``: a list as its view described it, with a cell for each column as the page draws it; built in.

Between it and ``{% endlisting %}`` stands ``{% cell "name" %}…{% endcell %}`` for each column, with ``row`` for what
the room draws a row of. In which order the columns stand, and which are shown, the list knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.template.base import Node
from django.template.exceptions import TemplateSyntaxError
from django.utils.safestring import SafeString, mark_safe

if TYPE_CHECKING:
    from django.template.base import NodeList, Parser, Token
    from django.template.context import Context

    from taawun.platform.web.listing import Listing

register = template.Library()


class CellNode(Node):
    """What a cell of one column holds."""

    def __init__(self, name: str, content: NodeList) -> None:
        self.name = name
        self.content = content

    def render(self, context: Context) -> SafeString:
        """Its content, for the row in the context."""
        return mark_safe(self.content.render(context).strip())  # noqa: S308 - a template's own markup


class ListingNode(Node):
    """A list with its filters, its table and its pages."""

    def __init__(self, cells: dict[str, CellNode]) -> None:
        self.cells = cells

    def render(self, context: Context) -> SafeString:
        """The list that stands in the context as ``listing``."""
        listing: Listing[object] = context["listing"]
        columns = [head.column for head in listing.heads]
        body = []
        with context.push():
            for key, row in listing.rows:
                context["row"] = row
                body.append((key, [(column, self.cells[column.name].render(context)) for column in columns]))
        whole = context.template.engine.get_template("web/components/listing.html")  # type: ignore[union-attr]  # it is being rendered
        with context.push(body=body):
            return whole.render(context)


@register.tag
def cell(parser: Parser, token: Token) -> CellNode:
    """What the cells of a column hold: ``{% cell "title" %}…{% endcell %}``."""
    parts = token.split_contents()
    if len(parts) != 2:  # noqa: PLR2004 - the tag, and the name
        raise TemplateSyntaxError("cell takes the name of a column")
    content = parser.parse(("endcell",))
    parser.delete_first_token()
    return CellNode(parts[1].strip("\"'"), content)


@register.tag
def listing(parser: Parser, token: Token) -> ListingNode:
    """The list of the page."""
    del token
    inside = parser.parse(("endlisting",))
    parser.delete_first_token()
    return ListingNode({each.name: each for each in inside if isinstance(each, CellNode)})
