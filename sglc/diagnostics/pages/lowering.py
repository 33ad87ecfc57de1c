"""SGL03xx: what a Python function relies on, and where it runs live instead of compiled."""

from sglc.diagnostics.page import Page

PAGES: tuple[Page, ...] = (
    Page(
        "SGL0301",
        "the function has no source to compile",
        """
        A program is compiled from its source, found through the file and line that its code
        names. There is none for a lambda, for code typed into an interpreter or made by `exec`,
        and none that can be trusted when the file was edited after it was imported. Such a
        function runs live: same meaning, but every read waits where it stands.
        """,
        """
        ask = sgl.function(lambda s, q: s.__iadd__(q + sgl.gen("answer")))
        """,
        """
        @sgl.function
        def ask(s, q):
            s += q + sgl.gen("answer")
        """,
        language="python",
    ),
    Page(
        "SGL0302",
        "the function runs live as a whole",
        """
        Generators, `async` functions, and functions that look at their own frame through
        `locals()`, `vars()`, `exec` or `eval` are not rewritten, since they could tell. They run
        live, with the same meaning; reads in an `async` function are suspension points. Under
        `@sgl.function(strict=True)` and `sglc check --strict` this remark is an error.
        """,
        """
        @sgl.function
        def program(s, question):
            s += "Q: {question}\\nA:".format(**locals()) + sgl.gen("answer")
        """,
        """
        @sgl.function
        def program(s, question):
            s += f"Q: {question}\\nA:" + sgl.gen("answer")
        """,
        language="python",
    ),
    Page(
        "SGL0303",
        "the first parameter of a program must be `s`",
        """
        A program gets its state as its first parameter, which is called `s` as in SGLang.
        """,
        """
        @sgl.function
        def program(question):
            question += sgl.gen("answer")
        """,
        """
        @sgl.function
        def program(s, question):
            s += question + sgl.gen("answer")
        """,
        language="python",
    ),
    Page(
        "SGL0304",
        "a name that compilation relied on stands for something else",
        """
        Compiling resolves names such as `sgl.gen`, `range` or `enumerate` once, by identity. At
        the start of each run they are compared again. When one was replaced, by a test's patch
        for instance, that run is live and calls the replacement.
        """,
        """
        from sglc import gen, user

        @sgl.function
        def ask(s, question):
            s += user(question)
            s += gen("answer")
            s += "Because " + s["answer"]
            print("asked")

        ask.run("Who?")
        globals()["user"] = sgl.assistant
        ask.run("Who?")
        """,
        """
        from sglc import assistant, gen, user

        @sgl.function
        def ask(s, question, replaced=False):
            if replaced:
                s += assistant(question)
            else:
                s += user(question)
            s += gen("answer")
            print(s["answer"])

        ask.run("Who?")
        ask.run("Who?", replaced=True)
        """,
        language="python",
    ),
    Page(
        "SGL0305",
        "a prompt is handed to Python code that is not compiled",
        """
        A call, a nested function or a statement that sglc knows nothing about receives a state or
        a fork. It runs live, in its place and in order: everything deferred before it is waited
        for first.
        """,
        """
        @sgl.function
        def ask(s, q):
            helper.add_question(s, q)
            s += sgl.gen("answer")
        """,
        """
        @sgl.function
        def ask(s, q):
            s += "Q: " + q
            s += sgl.gen("answer")
        """,
        language="python",
    ),
    Page(
        "SGL0306",
        "a read waits where it stands",
        """
        A read such as `s["x"]` directly in the text of an append can be left to the graph, so
        that the program goes on while the model works. That is only done where nothing can tell:
        the rest of the text must be constants, local names that are certainly bound, and calls of
        the language; and the append must not stand in a `try` or a `with`.
        """,
        """
        @sgl.function
        def summary(s, topics):
            forks = s.fork(len(topics))
            for f, topic in zip(forks, topics):
                f += topic + sgl.gen("tip")
            for f in forks:
                s += "Tip: " + f["tip"].strip()
        """,
        """
        @sgl.function
        def summary(s, topics):
            forks = s.fork(len(topics))
            for f, topic in zip(forks, topics):
                f += topic + sgl.gen("tip")
            for f in forks:
                s += "Tip: " + f["tip"]
        """,
        language="python",
    ),
)
