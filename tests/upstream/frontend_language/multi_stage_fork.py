"""Companies are looked at in forks with names of their own, in two stages, then compared."""

import sglc as sgl
from tests.upstream.case import Case

COMPANIES = {"Acme": "sells shoes.", "Globex": "sells globes.", "Initech": "sells software."}


@sgl.function
def compare(s, companies):
    s += sgl.system("You compare companies.")
    forks = s.fork(len(companies))
    for f, (name, about) in zip(forks, companies.items(), strict=True):
        f += sgl.user(f"{name} {about} What are its strengths?")
        f += sgl.assistant(sgl.gen(f"{name}_strengths", max_tokens=64))
        f += sgl.user("And its risks?")
        f += sgl.assistant(sgl.gen(f"{name}_risks", max_tokens=64))

    report = ""
    for f, name in zip(forks, companies, strict=True):
        report += f"{name}: {f[f'{name}_strengths']} / {f[f'{name}_risks']}\n"
    s += sgl.user(report + "Which is the best?")
    s += sgl.assistant(sgl.gen("verdict", max_tokens=64))
    return list(companies)


CASES = [Case(compare, {"companies": COMPANIES}, check=lambda s: len(s.ret_value) == 3)]
