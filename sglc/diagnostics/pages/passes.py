"""SGL036x: what passes found. SGL038x: pipelines that cannot be run."""

from sglc.diagnostics.page import Page

PAGES: tuple[Page, ...] = (
    Page(
        "SGL0360",
        "a prompt stays a handle",
        """
        `promote` turns prompts into values that passes can reason about. A prompt that is stored,
        returned, handed to host code, or used where there is no one current version of it (a
        `finally` block, the branch of another prompt's fork) stays a live handle. It runs as any
        other prompt; passes know less about it.
        """,
        """
        @sgl.function
        def ask(s, question):
            helper.add_question(s, question)
            s += sgl.gen("answer")
        """,
        """
        @sgl.function
        def ask(s, question):
            s += question
            s += sgl.gen("answer")
        """,
        language="python",
    ),
    Page(
        "SGL0361",
        "every prompt of a function starts with the same text",
        """
        The text is constant, so it is known before the program runs. It is computed once and
        shared by all rows of a batch and all calls. To share more, put what is constant before
        what changes.
        """,
        """
        def main(question: str) -> str:
            "${question}\\nAnswer the question above in one short sentence. "
            answer = gen(max_tokens=20)
            return answer
        """,
        """
        def main(question: str) -> str:
            "Answer the question below in one short sentence.\\n${question}\\n"
            answer = gen(max_tokens=20)
            return answer
        """,
    ),
    Page(
        "SGL0362",
        "branches of a fork share a prompt",
        """
        The prompt before a fork is computed once for all branches, together with the constant text
        that all of them start with.
        """,
        r"""
        def main(words: list[str]):
            "Explain each word in one short sentence, for a child of six.\n"
            fork word in words as t:
                "${word} means"
                meaning = gen()
            return t
        """,
        """
        def main(words: list[str]):
            "Words: "
            meaning = gen()
            return meaning
        """,
    ),
    Page(
        "SGL0363",
        "runs in parallel",
        """
        The branches, turns or calls are independent by what their operations declare: no host code
        runs in them, and none appends to a prompt that another one sees.
        """,
        """
        def main(words: list[str]):
            "Words: "
            fork word in words as t:
                "${word} means"
                meaning = gen()
            return t
        """,
        """
        def main(words: list[str]):
            "Words: "
            meaning = gen()
            return meaning
        """,
    ),
    Page(
        "SGL0364",
        "runs in order",
        """
        Something in a branch, turn or call may have effects that others see, so the program's order
        is kept. Most often it is a call of host code, whose effects are unknown: move it out of the
        branch, before the fork or after it.
        """,
        """
        extern def lookup(word: str) -> str from "tools:lookup"

        def main(words: list[str]) -> str:
            fork word in words as note:
                "What does '${word}' mean? Hint: ${lookup(word)}\\n"
                meaning = gen(stop="\\n")
            for n in note:
                "${n.word}: ${n.meaning}\\n"
            return "done"
        """,
        """
        extern def lookup(word: str) -> str from "tools:lookup"

        def main(words: list[str]) -> str:
            hints = []
            for word in words:
                hints = hints + [[word, lookup(word)]]
            fork hint in hints as note:
                "What does '${hint[0]}' mean? Hint: ${hint[1]}\\n"
                meaning = gen(stop="\\n")
            for n in note:
                "${n.hint[0]}: ${n.meaning}\\n"
            return "done"
        """,
    ),
    Page(
        "SGL0371",
        "the program waits for the model",
        """
        What follows is decided by an answer, so the program cannot go on before it is there:
        a condition, a loop, an index, a parameter of a generation, or host code that gets the
        value. Text never waits. `sglc explain` shows each such place with the generations that it
        waits for.
        """,
        """
        def main(question: str) -> str:
            "${question}\\n"
            answer = gen(stop="\\n")
            if "?" in answer:
                "Is that a question? "
            verdict = gen(max_tokens=4)
            return verdict
        """,
        """
        def main(question: str) -> str:
            "${question}\\n"
            answer = gen(stop="\\n")
            "Is `${answer}` a question? "
            verdict = gen(max_tokens=4)
            return verdict
        """,
    ),
    Page(
        "SGL0372",
        "an operation of the language runs live",
        """
        A `gen`, `select`, role or image stands in Python code that is not compiled, so passes do
        not see it. It runs as it does in SGLang. Most often sglc cannot tell that the variable it
        is appended to holds a prompt: `for f in forks`, `enumerate(forks)` and `forks[0]` are
        understood, other ways to get at a branch are not.
        """,
        """
        @sgl.function
        def tips(s, topics):
            forks = s.fork(len(topics))
            for f, topic in helper.pairs(forks, topics):
                f += topic + sgl.gen("tip")
        """,
        """
        @sgl.function
        def tips(s, topics):
            forks = s.fork(len(topics))
            for i, f in enumerate(forks):
                f += topics[i] + sgl.gen("tip")
        """,
        language="python",
    ),
    Page(
        "SGL0373",
        "host code keeps its place",
        """
        Python code, or a function declared with `extern`, may do anything: print, write files,
        change what other code reads. It runs exactly where it stands, in order, once everything
        that it is given is there.
        """,
        """
        @sgl.function
        def ask(s, word):
            s += helper.look_up(word) + sgl.gen("answer")
        """,
        """
        @sgl.function
        def ask(s, found):
            s += found + sgl.gen("answer")
        """,
        language="python",
    ),
    Page(
        "SGL0380",
        "unknown pass",
        """
        `--passes` and `--no-pass` name passes; docs/passes.md lists them.
        """,
        """
        sglc compile program.sgl --passes promte
        """,
        """
        sglc compile program.sgl --passes promote
        """,
        language="sh",
    ),
    Page(
        "SGL0381",
        "a pipeline of passes is not well formed",
        """
        A pipeline is a list of names with commas between them. Options stand in braces with spaces
        between them.
        """,
        """
        sglc compile program.sgl --passes "promote prefix-hoist(min-tokens=16)"
        """,
        """
        sglc compile program.sgl --passes "promote,prefix-hoist{min-tokens=16}"
        """,
        language="sh",
    ),
    Page(
        "SGL0382",
        "a pass does not take this option",
        """
        The pass has no option of this name, or the option takes another kind of value.
        """,
        """
        sglc compile program.sgl --passes "prefix-hoist{min-tokens=many}"
        """,
        """
        sglc compile program.sgl --passes "prefix-hoist{min-tokens=16}"
        """,
        language="sh",
    ),
)
