"""Taking files into the history: columns are guessed and shown, every row is checked, what is refused says why.

    plan = plan_import(path, options)         # what the file is taken for; nothing is read but its head
    report = run_import(plan, store, ...)     # rows in, refused rows beside, the same file again adds nothing

Polars loads when the first file is opened.
"""
