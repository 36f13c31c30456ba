"""Draws the icons of the installed panel from the logo: ``python -m tests.ui.make_icons``."""

import asyncio
from pathlib import Path

from playwright.async_api import async_playwright

import ui
from tests.ui.conftest import ARGUMENTS, CHROMIUM
from ui.components.logo import LOGO_SVG

FOLDER = Path(ui.__file__).parent / "assets" / "icons"
SAFE_ZONE = 0.72
"""The part of a maskable icon that holds the drawing; a circle of 80 % stays visible."""


async def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    square = LOGO_SVG.replace(' rx="12"', "")
    signs = square[square.index("<g ") : square.index("</svg>")]
    shrunk = f'<g transform="translate(22 22) scale({SAFE_ZONE}) translate(-22 -22)">{signs}</g>'
    drawings = (
        ("icon-192.png", 192, LOGO_SVG),
        ("icon-512.png", 512, LOGO_SVG),
        ("icon-maskable-512.png", 512, square.replace(signs, shrunk)),
    )
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, size, drawing in drawings:
            page = await browser.new_page(viewport={"width": size, "height": size})
            await page.set_content(
                f"<style>body {{ margin: 0 }} svg {{ display: block; width: 100% }}</style>{drawing}"
            )
            await page.screenshot(path=FOLDER / name, omit_background=True)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
