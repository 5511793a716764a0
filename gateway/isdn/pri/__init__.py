"""The program that runs libpri (GPLv2), apart from the platform: it imports nothing of it (decision 0058).

``python -m gateway.isdn.pri`` speaks the protocol of :mod:`gateway.isdn.pri.program` over stdin and stdout.
"""
