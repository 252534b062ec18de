"""Launches MiniStack."""
import ministack.app as app
if __name__ == "__main__":
    app.main()
