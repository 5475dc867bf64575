"""The second wing: image pairs with change masks -> a change map."""
