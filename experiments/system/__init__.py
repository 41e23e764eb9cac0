"""What the commands stand on: arguments, work folder, signals, processes, devices."""
