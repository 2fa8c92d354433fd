"""A performance on its way to other programs, frame by frame: Live Link Face's packets and VMC's messages. numpy only."""
