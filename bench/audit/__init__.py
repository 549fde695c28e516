"""What a task's data holds, and what makes a score on it worth less than it looks."""
