"""The expression language of scripts: parsing, printing, evaluation. Pure; knows no prompts."""
