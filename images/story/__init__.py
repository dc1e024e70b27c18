"""The finished image, booted: a first day of a box with a scanner, a scale, a printer, headquarters and a power cut.

vm.py is the box, technician.py what is done to its card while it is off, headquarters.py the other end, till.py what is
asked of the box over the network, guest_printer.py the one thing that runs inside it; day.py tells the story.
"""
