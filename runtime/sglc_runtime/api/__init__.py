"""The public interface: an engine, requests on it, and what comes back. Never imports torch."""
