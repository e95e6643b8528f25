"""Chinese pages speak Chinese around their text too, and the switch of languages leads to the same page in the other one."""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.nav import Navigation
from mkdocs.structure.pages import Page


def on_page_context(context: dict, page: Page, config: MkDocsConfig, nav: Navigation) -> dict:
    """What mkdocs calls before it renders a page."""
    chinese = page.url.startswith("zh/")
    config.theme["language"] = "zh" if chinese else "en"
    there = {known.url for known in nav.pages}
    other = other_url(page.url)
    english, chinese_url = (other, page.url) if chinese else (page.url, other)
    config.extra["alternate"] = [
        {"name": "English", "link": english if english in there else "./", "lang": "en"},
        {"name": "中文", "link": chinese_url if chinese_url in there else "zh/", "lang": "zh"},
    ]
    if not chinese:
        return context
    ours = [item for item in nav.items if item.children and item.children[0].url.startswith("zh/")]
    return {**context, "nav": Navigation(ours + [item for item in nav.items if item not in ours], nav.pages)}


def other_url(url: str) -> str:
    """The same page in the other language, whether it exists or not; the Chinese start page is the quickstart."""
    if url == "zh/":
        return "quickstart/"
    return url.removeprefix("zh/") if url.startswith("zh/") else f"zh/{url}"
