"""Live: a camera is lifted while it runs, shown in the browser, and streamed as JSON over a WebSocket."""
