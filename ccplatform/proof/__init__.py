"""Proof from outside: calls that come through the front door as customers' do, and what they heard."""
