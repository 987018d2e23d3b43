"""Structures of a program: declared once, then read and written live.

>>> class Item(Structure):
...     kind = Field('int')
...     count = Field('unsigned_short')
>>> class Player(Structure):
...     health = Field('int')
...     name = Field(String(16), 0x10)
...     bag = Field(Array(Item, 2))
...     target = Field(Pointer('Player'), 0x40)
>>> player = Player(view, 0x401000)
>>> player.health
100
>>> player.bag[0].count += 1
>>> player.write({'health': 50, 'name': 'Ada'})
>>> print(player.target)
None
"""

from memaccess._layouts._array import LiveArray
from memaccess._layouts._declared import Array, Pointer, String
from memaccess._layouts._fields import Field
from memaccess._layouts._questions import addressof, offsetof, sizeof
from memaccess._layouts._structure import Structure

__all__ = ["Array", "Field", "LiveArray", "Pointer", "String", "Structure", "addressof", "offsetof", "sizeof"]
