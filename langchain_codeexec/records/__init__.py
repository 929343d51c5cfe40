"""How a run is shown: what a message tells, section by section, and the forms it is shown in.

`sections` reads a message; `console` shows it on a terminal, `html` as a web page, `notebook` in and as a Jupyter
notebook, `json_record` as one JSON object. None of them prints or writes anything. Where images are saved they
know from the message (see `langchain_codeexec.outputs`).
"""
