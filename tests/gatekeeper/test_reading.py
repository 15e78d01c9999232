"""Reading bash: what can be read is read as bash does, and what cannot be is said to be so."""

import pytest

from pocketcoder_tui.gatekeeper.reading import read, read_whole

EVERYDAY = [
    ("cd a && python -m pytest -q 2>&1 | tail -20", ["cd", "python", "tail"]),
    ("sed -n '1,20p' x | grep -v \"a b\"", ["sed", "grep"]),
    ("grep -rn 'foo(' --include='*.py' . || true", ["grep", "true"]),
    ("for f in *.py; do sed -i \"s/a/b/\" \"$f\"; done", ["sed"]),
    ("test -f x && { echo y; exit 1; }", ["test", "echo", "exit"]),
    ("awk '{print $1}' f", ["awk"]),
    ("find . \\( -name a -o -name b \\) -exec grep -l foo {} \\;", ["find"]),
    ("a=${b%%/*}; echo \"${a##x}\" $((1+2)) ${#a}", ["echo"]),
    ("python3 - <<'PY'\nimport os\nprint(os.environ['A'])\nPY\n", ["python3"]),
    ("cat > a.py <<'EOF'\ndef f(x):\n    return {'a': \"it's\"}\nEOF\n", ["cat"]),
    ("git commit -m \"$(cat <<'EOF'\nit's done\nEOF\n)\"", ["git", "cat"]),
    ("printf '%s\\n' \"${a[@]}\"", ["printf"]),
    ("diff <(sort a) <(sort b)", ["diff", "sort", "sort"]),
    ("if [ \"$x\" = y ] && [ -f z ]; then\n  ls\nelif true; then\n  :\nfi", ["[", "[", "ls",
    "true", ":"]),
    ("while read -r l; do echo \"$l\"; done < f", ["read", "echo"]),
    ("case $x in\n a|b) ls ;;\n *) cat ;;\nesac", ["ls", "cat"]),
    ("export A=$(ls)", ["export", "ls"]),
    ("f() {\n ls\n}\n", ["ls"]),
    ("# it's a comment\nls # another's\n", ["ls"]),
    ("ls \\\n  -la \\\n  x", ["ls"]),
    ("echo \"say \\\"hi\\\"\" && echo 'a;b|c'", ["echo", "echo"]),
    ("! grep x y", ["grep"]),
    ("(cd a; make) > log 2>&1 &", ["cd", "make"]),
    ("echo é 日本 \U0001f600", ["echo"]),
    ("[[ $a == b* && -n $c ]] || exit", ["[[", "exit"]),
    ("bash -c 'cd x; ls'", ["bash"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "programs"), EVERYDAY)
def test_everyday_commands_are_read(text: str, programs: list[str]) -> None:
    reading = read(text)
    assert reading.why == ""
    assert [command.words[0].text for command in reading.commands] == programs


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("a", "a"), ("'a b'", "a b"), ('"a b"', "a b"), ('"a\\"b\\\\c"', 'a"b\\c'), ("a\\ b",
        "a b"),
        ("a'b'\"c\"d", "abcd"), ("$'a\\n\\x41\\101\\u00e9'", "a\nAAé"), ("{}", "{}"), ("HEAD~1",
        "HEAD~1"),
        ("''", ""), ("a=b", "a=b"), ("-5", "-5"), ("\\*", "*"), ("'*'", "*"), ('"a\\\nb"', "ab"),
        ("@{u}", None), ("$x", None), ('"$x"', None), ("$(ls)", None), ("*", None),
        ("a?", None), ("[a]", None),
        ("~", None), ("~/a", None), ("a=~/b", None), ("{a,b}", None), ("${x}", None),
        ("$((1))", None),
        ("$'\\x00'", None), ("$'\\xff'", None), ('$"a"', None), ("`ls`", None), ("<(ls)", None),
    ],
)  # fmt: skip
def test_what_bash_makes_of_a_word(word: str, text: str | None) -> None:
    command = read(f"echo {word}").commands[0]
    assert command.words[1].text == text


@pytest.mark.parametrize(
    "text",
    [
        "(", "ls)", "echo 'a", "echo \"a", "echo `a", "if true", "ls &&", "{ ls", "a\0b",
        "cat <<E\nx",
        "gi\\\nt push", "mak\\ \\\ne", "touch\n\\\ncat x", "x=$ rm y", "echo ${x/{ a; }/b}",
        "echo ${x:-`ls`}", "echo $[1]", "ls >&'$(id)'", "[ a || b ]", "[ a\nb ]",
        "cat <<E; ls\n$x\nE\n",
        "! if true; then ls; fi", "time if true; then ls; fi", "coproc while ls; do x; done",
        "ls -2>x", "\xe9=ls", "{x=1,x=1} ls", "a=(b)c ls", "cat <<A <<B\nA\nB\n",
        "cat <<\\E\nx\nE\n",
        "echo `a \\` b`", "echo `cat <<E\nx\nE\n`", "echo $(('`ls`'))", "x['$(ls)']=1",
        "x" * 40_000,
        "x " * 5_000, ";" * 1_000, "'a' " * 1_000, "cat <<E\n$\\\n(ls)\nE\n", "cat <<E\n`ls`\nE\n",
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_why(text: str) -> None:
    reading = read(text)
    assert reading.why.endswith(".")
    assert reading.commands == []


def test_redirections_settings_and_functions() -> None:
    text = "A=1 ls > out 2>&1 x; B=$c; f() { :; }; cat < in"
    reading = read(text)
    assert [word.text for word in reading.commands[0].words] == ["ls", "x"]
    assert [(r.operator, text[r.start : r.end]) for r in reading.redirects] == [
        (">", "> out"), (">&", "2>&1"), ("<", "< in"),
    ]  # fmt: skip
    assert [(a.name, a.value, a.alone) for a in reading.assignments] == [
        ("A", "1", False), ("B", None, True),
    ]  # fmt: skip
    assert [d.name for d in reading.definitions] == ["f"]


def test_a_program_behind_a_redirection_is_a_program() -> None:
    assert [c.words[0].text for c in read("x=1 >f rm y").commands] == ["rm"]
    assert [c.words[0].text for c in read(">f rm y").commands] == ["rm"]
    assert [w.text for w in read("cp - 2>&1").commands[0].words] == ["cp", "-"]


def test_what_a_here_document_is_read_by() -> None:
    reading = read("cat <<'E' | sh\nrm x\nE\n")
    assert reading.commands[0].documents[0].text == "rm x\n"
    assert [(c.pipe, c.place) for c in reading.commands] == [(0, 0), (0, 1)]
    assert read("cat <<E\n$x\nE\n").commands[0].documents[0].text is None
    assert read("cat <<< 'a b'").commands[0].documents[0].text == "a b"


def test_background_and_branches() -> None:
    reading = read("a; b & c && d; (e); if f; then g; fi")
    marks = {c.words[0].text: (c.background, c.optional) for c in reading.commands}
    assert marks == {
        "a": (False, False), "b": (True, True), "c": (False, False), "d": (False, True),
        "e": (False, True), "f": (False, True), "g": (False, True),
    }  # fmt: skip


def test_texts_inside_of_texts_are_read_where_they_stand() -> None:
    text = "bash -c 'ls; sh -c \"rm x\"' && eval cat y"
    whole = read_whole(text)
    found = {c.words[0].text: text[c.start : c.end] for c in whole.commands}
    assert found["ls"] == "ls"
    assert "rm x" in found["rm"]
    assert found["cat"] == "cat y"
    assert whole.doubts == []


@pytest.mark.parametrize(
    "text",
    ["eval $x", "bash -c \"$x\"", "cat x | sh", "$x", "bash -c '((('", "sh <<E\n$x\nE\n",
     "unset 'x[$(ls)]'", " | ".join(["sh -c 'ls'"] * 30)],
)  # fmt: skip
def test_what_cannot_be_seen_inside_is_a_doubt(text: str) -> None:
    whole = read_whole(text)
    assert whole.doubts or whole.outer.why


def test_nesting_has_an_end() -> None:
    text = "ls"
    for _ in range(8):
        text = f"eval eval {text}"
    assert read_whole(text).doubts
