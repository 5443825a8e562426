"""Rights messages of record companies and distributors: DDEX ERN 3.8 and 4.1 to 4.3.

    bytes → Message → Licences → Deal

`reading` makes a `Message` of untrusted XML, `licences` makes terms in our vocabulary of its deals; who records them
for which songs is decided further up.
"""
