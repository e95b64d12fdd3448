"""Figures for a page: no words around them, no background, few bytes.

Colours that a page knows become CSS variables named after them (`--aa4499`), so that
dark mode can replace them.
"""

import io
import re
from typing import Any
from xml.etree import ElementTree

from matplotlib.figure import Figure

from thaw.figures import style

SVG, LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"

# The colours with another shade in dark mode.
COLOURS = {
    colour.lower()
    for colour in (
        *("#ffffff", style.BLACK, *style.COLOURS, style.MUTED, style.PALE),
        *(style.BETTER, style.WORSE, style.EQUIVALENT, style.STYLE["grid.color"]),
    )
}

# With fewer markers each stays as it is.
MANY = 20

FONT = re.compile(r"font-family: [^;]*;? ?")
FRACTION = re.compile(r"-?\d+\.\d+")


def for_page(drawn: Figure, name: str, prefix: str) -> dict[str, str]:
    """Return a figure's name, its description, its caption, and itself as SVG.

    The figure loses its words. Ids in the SVG begin with `prefix`, which must be unique
    on a page.
    """
    what = drawn.get_suptitle().partition("\n")[2]
    caption = " ".join(drawn.get_supxlabel().split())
    drawn.suptitle("")
    drawn.supxlabel("")
    drawn.set_layout_engine("constrained")
    file = io.BytesIO()
    drawn.savefig(file, format="svg", transparent=True)
    words = {"what": what, "caption": caption}
    plain = {key: text.replace(r"\$", "$") for key, text in words.items()}
    return {"name": name, **plain, "svg": small(file.getvalue(), prefix)}


def small(svg: bytes, prefix: str) -> str:
    """Return an SVG without parts a page does not need, numbers to 0.1 points."""
    root = ElementTree.fromstring(svg)
    for unneeded in (
        *root.findall("{*}metadata"),
        *root.findall("{*}defs/{*}style/.."),
    ):
        root.remove(unneeded)
    for group in root.iter():
        _join_points(group)
        _join_paths(group)
    referred = {
        name
        for element in root.iter()
        for name in re.findall(r"#([\w-]+)", " ".join(element.attrib.values()))
    }
    names: dict[str, str] = {}
    for element in root.iter():
        own = element.attrib.pop("id", "")
        if own in referred:
            element.set("id", names.setdefault(own, f"{prefix}-{len(names)}"))
    for element in root.iter():
        element.text = (element.text or "").strip()
        element.tail = (element.tail or "").strip()
        for key, value in element.attrib.items():
            element.set(key, _attribute(key, value, names))
    # At most as wide as here; the page may make it narrower.
    width = FRACTION.sub(_rounded, root.attrib.pop("width").removesuffix("pt"))
    root.set("style", f"max-width: {float(width) * 4 / 3:.0f}px")
    del root.attrib["height"], root.attrib["version"]
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", LINK)
    return ElementTree.tostring(root, encoding="unicode")


def _attribute(key: str, value: str, names: dict[str, str]) -> str:
    value = re.sub(
        r"#([\w-]+)", lambda found: f"#{names.get(found[1], found[1])}", value
    )
    if key in ("style", "fill", "stroke"):
        value = FONT.sub("", value)
        return re.sub("#[0-9a-f]{6}", _colour, value)
    if key in ("d", "x", "y", "width", "height", "transform", "viewBox"):
        value = " ".join(value.split())
        value = FRACTION.sub(_rounded, value)
        return re.sub(r" ?([MLzCQ]) ?", r"\1", value) if key == "d" else value
    return value


def _colour(found: re.Match[str]) -> str:
    colour = found[0]
    return f"var(--{colour[1:]})" if colour in COLOURS else colour


def _rounded(found: re.Match[str]) -> str:
    return f"{round(float(found[0]), 1):g}"


def _join_points(group: ElementTree.Element) -> None:
    """Replace copies of one marker in a group by one path of dots.

    The marker's shape is lost: on a page, colours and columns tell points apart.
    """
    copies = [element for element in group if element.tag == f"{{{SVG}}}use"]
    if len(copies) < MANY or len({_look(element) for element in copies}) > 1:
        return
    for element in copies:
        group.remove(element)
    (look,) = {_look(element) for element in copies}
    colour = re.search(r"fill: (#[0-9a-f]{6})", look[1])
    opacity = re.search(r"fill-opacity: ([\d.]+)", look[1])
    places = (f"M{element.get('x')} {element.get('y')}h.1" for element in copies)
    path: dict[str, Any] = {"d": "".join(places), "class": "dots"}
    stroke = f"stroke: {colour[1] if colour else style.BLACK}"
    path["style"] = f"{stroke}; opacity: {opacity[1] if opacity else 1}"
    ElementTree.SubElement(group, f"{{{SVG}}}path", path)


def _join_paths(group: ElementTree.Element) -> None:
    """Join neighbouring paths that look the same."""
    last, looks = None, {}
    for element in [*group]:
        own = {key: value for key, value in element.attrib.items() if key != "d"}
        if element.tag != f"{{{SVG}}}path" or "id" in own:
            last = None
        elif last is not None and own == looks:
            last.set("d", f"{last.get('d')} {element.get('d')}")
            group.remove(element)
        else:
            last, looks = element, own


def _look(element: ElementTree.Element) -> tuple[str, str]:
    return element.get(f"{{{LINK}}}href", ""), element.get("style", "")
