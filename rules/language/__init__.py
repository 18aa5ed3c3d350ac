"""The rule language itself: conditions as text and as syntax trees."""
