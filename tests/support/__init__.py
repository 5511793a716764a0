"""Outside peers and audio truth for the tests. Nothing here but ``database`` imports the product.

==============  ============================================================================================
``phone``       ``SipPhone`` and its ``PhoneCall``: a SIP phone of our own (UDP, TCP, digest, RTP, keys)
``sources``     what a phone says: silence, a tone, a signal, a WAV file
``ear``         what a phone hears: packets, samples, waits for tones, speech, sound, silence, keys
``audio``       levels, tones, speech, delay, noise of a recording; WAV files. ``g711``, ``speech`` belong to it
``sipp``        SIPp with the scenarios in ``sipp/``
``baresip``     Debian's baresip, headless
``registrar``   a registrar of a few lines
``platform``    the whole platform as one command; ``fixtures`` makes pytest fixtures of it
``ports``       free ports
``milestone``   awaitable happenings and :class:`PeerError`, the failure that says what was seen instead
``node``, ``wire``, ``sip``, ``sdp``, ``rtp``, ``phone_call``   what the phone is made of
==============  ============================================================================================
"""
