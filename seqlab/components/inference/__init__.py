"""How an image is shown to a network that scores pixels, and its scores made one."""
