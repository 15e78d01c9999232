"""The two palettes of the house; every colour in a widget is one of these names."""

from textual.theme import Theme

DARK = Theme(
    name="pocketcoder-dark",
    primary="#6CA8E8",
    secondary="#C792EA",
    accent="#E5B567",
    warning="#E5B567",
    error="#EF7A7A",
    success="#8BC58B",
    foreground="#D5D8DE",
    background="#14171C",
    surface="#1A1E25",
    panel="#252B35",
    dark=True,
    variables={
        "border": "#3A4352",
        "border-blurred": "#2B323D",
        "text-muted": "#8C95A5",
        "block-cursor-text-style": "none",
        "input-selection-background": "#6CA8E8 35%",
        "scrollbar": "#343C49",
        "scrollbar-background": "#1A1E25",
        "scrollbar-hover": "#4A5566",
        "scrollbar-active": "#6CA8E8",
        "scrollbar-background-hover": "#1A1E25",
        "scrollbar-background-active": "#1A1E25",
    },
)

LIGHT = Theme(
    name="pocketcoder-light",
    primary="#1F5FA8",
    secondary="#7A3FA0",
    accent="#8A5A00",
    warning="#8A5A00",
    error="#B3261E",
    success="#2B6E2F",
    foreground="#22262C",
    background="#F7F7F5",
    surface="#FFFFFF",
    panel="#E6E7E9",
    dark=False,
    variables={
        "border": "#B4BAC4",
        "border-blurred": "#D3D7DD",
        "text-muted": "#59616E",
        "block-cursor-text-style": "none",
        "input-selection-background": "#1F5FA8 25%",
        "scrollbar": "#C3C8D0",
        "scrollbar-background": "#F0F0EE",
        "scrollbar-hover": "#A9B0BB",
        "scrollbar-active": "#1F5FA8",
        "scrollbar-background-hover": "#F0F0EE",
        "scrollbar-background-active": "#F0F0EE",
    },
)
