"""Every message between a box and headquarters as a pydantic model, one file per conversation.

From these models the AsyncAPI document (docs/asyncapi.yaml) is generated. Ids match `[A-Za-z0-9-]+`.
"""
