"""The console: SSH to the desk, where admins give the command line's commands without an account on the machine."""
