"""The IVR: flow documents, the interpreter that runs them, prompts, speech and data queries."""
