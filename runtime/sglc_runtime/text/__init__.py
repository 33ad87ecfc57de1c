"""Text and ids: tokenizer, detokenizer, stop strings, chat templates. Never imports torch."""
