"""How a run is shown: what a message tells, section by section, and the forms it is shown in.

`sections` reads a message, `console` shows it on a terminal, `json_record` as one JSON object. None of them
prints or writes anything; `images.save_images` is the one that touches the disk.
"""
