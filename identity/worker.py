"""Background duties: what must happen though nobody asks for it just now."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from identity.database import Base


class WorkerState(Base):
    """The worker's sign of life: a probe row written and read back each second."""

    __tablename__ = "worker_state"

    duty: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]  # when the duty last ended well
    detail: Mapped[str]
