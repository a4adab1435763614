"""From bytes to values with evidence. A reader states; it never judges (law 1)."""
