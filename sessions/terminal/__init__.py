"""What people see while a session runs, how errors and durations read. Imports no other room."""
