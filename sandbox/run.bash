# What the relay's typed line sources, with the action's id in __pc_next. Not a function, because
# `declare` in a function would make a command's variables local; not typed, because readline takes
# ten microseconds for each character.
\__pc_run "$__pc_next"
\builtin . "$__pc_in"
\__pc_end
