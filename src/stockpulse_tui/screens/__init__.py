"""What a digit shows: arrangements of panes, loaded when first opened."""
