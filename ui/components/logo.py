"""The logo of the product as SVG and as a data URL."""

from urllib.parse import quote

LOGO_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 44 44"><defs>'
    '<linearGradient id="g" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#17a08c"/>'
    '<stop offset="1" stop-color="#0a6470"/></linearGradient></defs>'
    '<rect width="44" height="44" rx="12" fill="url(#g)"/>'
    '<g fill="none" stroke="#fff" stroke-width="3.2" stroke-linecap="round">'
    '<path d="M13 19.5v5M19 14v16M25 17.5v9M31 20.5v3"/></g></svg>'
)
LOGO_URL = f"data:image/svg+xml,{quote(LOGO_SVG)}"
