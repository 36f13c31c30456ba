"""The websocket door of phone gateways."""
