"""SGL06xx: arguments of commands."""

from sglc.diagnostics.page import Page

PAGES: tuple[Page, ...] = (
    Page(
        "SGL0601",
        "wrong argument of a command",
        """
        A command's option or argument has a value that it cannot work with. `sglc COMMAND --help`
        lists what it takes.
        """,
        """
        sglc run text_qa.sgl -o answers.jsonl
        """,
        """
        sglc run text_qa.sgl -i text_qa.jsonl -o answers.jsonl
        """,
        language="sh",
    ),
    Page(
        "SGL0602",
        "argument without value, or given twice",
        """
        `-p` takes a name and a value joined by `=`, and each name once. Quote values with spaces
        for the shell.
        """,
        """
        sglc run text_qa.sgl -p question
        """,
        """
        sglc run text_qa.sgl -p question="What is the capital of Japan?"
        """,
        language="sh",
    ),
    Page(
        "SGL0603",
        "missing argument",
        """
        The function has a parameter without default that got no value, from `-p` or from the row
        of a batch.
        """,
        """
        sglc run text_qa.py:text_qa
        """,
        """
        sglc run text_qa.py:text_qa -p question="What is the capital of Japan?"
        """,
        language="sh",
    ),
    Page(
        "SGL0604",
        "unknown diagnostic",
        """
        `sglc explain` was asked about a code that does not exist.
        """,
        """
        sglc explain SGL9999
        """,
        """
        sglc explain SGL0203
        """,
        language="sh",
    ),
    Page(
        "SGL0605",
        "unknown argument",
        """
        `-p` or a row of a batch names a parameter that the function does not have.
        """,
        """
        sglc run text_qa.py -p qestion=Who?
        """,
        """
        sglc run text_qa.py -p question=Who?
        """,
        language="sh",
    ),
    Page(
        "SGL0606",
        "file cannot be read or written",
        """
        There is no such file, it is a folder, the permissions forbid it, or it is not UTF-8 text.
        """,
        """
        sglc check missing.sgl
        """,
        """
        sglc check text_qa.sgl
        """,
        language="sh",
    ),
    Page(
        "SGL0607",
        "no such function",
        """
        `FILE:function` names a function that the file does not have; or no function is named, and
        the file has neither a `main` nor exactly one function.
        """,
        """
        sglc run chat.sgl:mian -p topic=tea
        """,
        """
        sglc run chat.sgl:main -p topic=tea
        """,
        language="sh",
    ),
    Page(
        "SGL0608",
        "not a program",
        """
        Programs end in `.sgl` (scripts), `.py` (Python) or `.sglir` (printed IR).
        """,
        """
        sglc run notes.txt
        """,
        """
        sglc run text_qa.sgl
        """,
        language="sh",
    ),
    Page(
        "SGL0609",
        "model cannot be loaded",
        """
        `--model` takes a checkpoint folder in Hugging Face format: `config.json`, weights in
        safetensors, and a tokenizer. The folder is missing, incomplete or damaged, or its
        architecture is not supported.
        """,
        """
        sglc run text_qa.sgl --model missing-folder
        """,
        """
        sglc run text_qa.sgl
        """,
        language="sh",
    ),
    Page(
        "SGL0610",
        "argument of the wrong type",
        """
        The value of `-p`, or of a row of a batch, does not fit the parameter's annotation. `-p`
        takes strings as they are, `true` and `false`, numbers, and JSON for lists and records.
        """,
        """
        sglc run typed.py -p times=many
        """,
        """
        sglc run typed.py -p times=6
        """,
        language="sh",
    ),
    Page(
        "SGL0611",
        "row is not JSON",
        """
        Each line of a batch's input is one JSON object of arguments. Other rows still run; the
        output has the error in this row's place.
        """,
        """
        sglc run text_qa.sgl -i rows.txt
        """,
        """
        sglc run text_qa.sgl -i text_qa.jsonl
        """,
        language="sh",
    ),
    Page(
        "SGL0612",
        "dump of a Python program is refused",
        """
        A `.sglir` of a Python program is a plan over importable code. Its module must be allowed
        with `--allow-module MODULE`, the function must be there, and its source must be the one
        that was compiled; otherwise compile it again.
        """,
        """
        sglc compile typed.py -o typed.sglir
        sglc run typed.sglir
        """,
        """
        sglc compile typed.py -o typed.sglir
        sglc run typed.sglir --allow-module typed
        """,
        language="sh",
    ),
    Page(
        "SGL0613",
        "no such phase",
        """
        A program is compiled in phases: `parse`, `lower`, then one for each pass of the pipeline,
        called as the pass is. The second `promote` of a pipeline is `promote.2`.
        """,
        """
        sglc compile agent.sgl --to promte
        """,
        """
        sglc compile agent.sgl --to promote
        """,
        language="sh",
    ),
    Page(
        "SGL0614",
        "the phases asked for cannot be run",
        """
        `--from` names the phase that a `.sglir` dump was made by; scripts and Python files always
        start from the beginning. `--to` must not come before `--from`.
        """,
        """
        sglc compile agent.sgl --from lower
        """,
        """
        sglc compile agent.sgl --to lower -o agent.sglir
        sglc compile agent.sglir --from lower
        """,
        language="sh",
    ),
)
