"""Image pairs with change masks: folders, tables, statistics."""
