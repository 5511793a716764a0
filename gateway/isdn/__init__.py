"""The E1 front: ISDN primary rate trunks (ITU-T Q.921, Q.931; ETS 300 102, GB/T 17154.2)."""
