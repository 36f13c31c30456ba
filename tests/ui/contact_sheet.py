"""Many pictures in one."""

import base64
from collections.abc import Mapping

from playwright.async_api import Browser

PHONE_WIDTH = 500
MOST_BYTES = 400_000
QUALITIES = (80, 70, 60, 50, 40)
STYLE = """
body { margin: 16px; background: #8a9290; display: grid; gap: 16px; align-items: start; font: 15px sans-serif }
figure { margin: 0 } figcaption { padding: 0 0 4px } img { width: 100%; display: block }
"""


def _data_url(picture: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(picture).decode()}"


async def contact_sheet(browser: Browser, pictures: Mapping[str, bytes], width: int) -> bytes:
    """A WebP picture of all ``pictures`` (WebP, by name; ``width`` pixels wide), of at most MOST_BYTES if possible."""
    columns, shown = (8, 236) if width < PHONE_WIDTH else (5, 400)
    figures = "".join(
        f"<figure><figcaption>{name}</figcaption><img src='{_data_url(data)}'></figure>"
        for name, data in pictures.items()
    )
    grid = f"body {{ grid-template-columns: repeat({columns}, {shown}px) }}"
    page = await browser.new_page(viewport={"width": columns * (shown + 16) + 16, "height": 900})
    try:
        await page.set_content(f"<style>{STYLE}{grid}</style>{figures}")
        size = page.viewport_size
        assert size is not None
        size["height"] = await page.evaluate("document.documentElement.scrollHeight")
        await page.set_viewport_size(size)
        camera = await page.context.new_cdp_session(page)
        for quality in QUALITIES:
            answer = await camera.send("Page.captureScreenshot", {"format": "webp", "quality": quality})
            sheet = base64.b64decode(answer["data"])
            if len(sheet) <= MOST_BYTES:
                break
        return sheet
    finally:
        await page.close()
