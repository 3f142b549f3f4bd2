"""The window as a whole: menus, and the desks where its rooms meet."""
