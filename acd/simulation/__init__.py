"""The matching engine in virtual time: what would this centre do with these calls?"""
