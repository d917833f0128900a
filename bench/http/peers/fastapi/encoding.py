"""From a customer to a model's input row, as the service's manifest says."""

import math


class Encoder:
    """Made once; a row costs one pass over the places."""

    def __init__(self, manifest):
        self.width = len(manifest["inputs"])
        self.columns = list(dict.fromkeys(place["column"] for place in manifest["inputs"]))
        self.numbers, self.orders, self.categories = [], [], {}
        for at, place in enumerate(manifest["inputs"]):
            column = place["column"]
            match place["encoding"]:
                case "number" | "flag":
                    self.numbers.append((at, column))
                case "ordinal":
                    order = {name: i for i, name in enumerate(place["categories"])}
                    self.orders.append((at, column, order))
                case "category":
                    self.categories.setdefault(column, ({}, []))[0][place["category"]] = at
                case _:
                    self.categories.setdefault(column, ({}, []))[1].append(at)

    def row(self, customer):
        """A float for each place; NaN where nothing is known."""
        row = [math.nan] * self.width
        for at, column in self.numbers:
            value = customer[column]
            if value is not None:
                row[at] = value
        for at, column, order in self.orders:
            value = customer[column]
            if value is not None:
                row[at] = order[value]
        for column, (names, others) in self.categories.items():
            value = customer[column]
            if value is not None:
                for at in names.values():
                    row[at] = 0.0
                for at in others:
                    row[at] = 0.0
                if value in names:
                    row[names[value]] = 1.0
                elif others:
                    row[others[0]] = 1.0
        return row

    def missing(self, customer):
        return [column for column in self.columns if customer[column] is None]
