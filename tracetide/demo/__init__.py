"""The demo: an attack on a real container, watched; `show` starts it, `container` is of use to tests too."""
