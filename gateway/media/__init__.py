"""The media engine: RTP legs as rows of numpy arrays, one 20 ms tick for all of them.

The worker process (:mod:`.worker`) owns an :class:`~.engine.Engine`; the control process talks to workers
through :class:`~.client.MediaPool`.
"""
