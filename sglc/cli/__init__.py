"""The command `sglc`: one command a file; heavy imports happen inside the commands."""
