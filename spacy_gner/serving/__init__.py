"""A server over HTTP, and adapters for annotation tools, all over one `Annotator`.

Nothing is imported here: FastAPI and uvicorn come with the extra `serve`.
"""
