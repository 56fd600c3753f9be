"""The colours of pictures, figures and drawings, as CSS has them. Loads nothing: the workshop draws with them, too."""

PALETTE = ("#00b4d8", "#ff9f1c", "#7bd389", "#ef476f", "#b388eb", "#ffd166", "#3a86ff", "#f78c6b")  # of tracks
PAPER, INK, SOFT = "#f7f9fa", "#1d2b3a", "#6b7a8c"
LEAK = "#d00030"  # a face that can be seen
