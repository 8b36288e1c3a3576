"""``{% listing %}``: a list as its view described it, with a cell for each column as the page draws it; built in.

Between it and ``{% endlisting %}`` stands ``{% cell "name" %}…{% endcell %}`` for each column, with ``row`` for what
the room draws a row of. In which order the columns stand, and which are shown, the list knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django import template
from django.template.base import Node
from django.template.exceptions import TemplateSyntaxError
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from django.template.base import NodeList, Parser, Token
    from django.template.context import Context

    from taawun.platform.web.listing import Column, Listing

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
        drawn = [(begin, self.cells[column.name], end) for column, begin, end in _marks(columns)]
        rows = []
        with context.push():
            for place, (key, row) in enumerate(listing.rows, 1):
                context["row"] = row
                choice = _CHOICE % (escape(key), place) if listing.acts else ""
                cells = "".join([f"{begin}{cell.render(context)}{end}" for begin, cell, end in drawn])
                # the first is the head of its row, by which a reader tells the box of the choice
                rows.append(f'<tr>{choice}<th scope="row" id="row-{place}">{cells}</tr>\n')
        whole = context.template.engine.get_template("web/components/listing.html")  # type: ignore[union-attr]  # it is being rendered
        with context.push(body=mark_safe("".join(rows))):  # noqa: S308 - templates' own markup
            return whole.render(context)


# written here and not by a template, which takes as long for the elements around the cells as for all that is in them
_CHOICE: Final = (
    '<td class="choice"><input type="checkbox" class="choose" name="chosen" value="%s" form="list-chosen" '
    'autocomplete="off" aria-labelledby="row-%d"></td>'
)


def _marks(columns: Sequence[Column]) -> Iterator[tuple[Column, str, str]]:
    """What stands before and behind the cells of each column; before the first, its row says it."""
    for at, column in enumerate(columns):
        number = ' class="number"' if column.is_number else ""
        label = "" if column.is_silent else format_html(' data-label="{}"', column.label)
        yield (column, f"<td{number}{label}>", "</td>") if at else (column, "", "</th>")


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
